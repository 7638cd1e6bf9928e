package session

import (
	"net/http"
	"time"
)

// Names of the cookies. With HTTPS they get the prefix __Host-, with which browsers accept them only
// from this very host, over HTTPS and for the whole of it (RFC 6265bis, section 4.1.3.2).
const (
	cookieName = "slipway-session"
	loginName  = "slipway-login"
)

func (s *Sessions) name(cookie string) string {
	if s.secure {
		return "__Host-" + cookie
	}
	return cookie
}

// cookie makes a cookie that scripts cannot read and that other sites' writes do not carry. It is
// Lax and not Strict because the provider's redirect back to us is a navigation from another site.
func (s *Sessions) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: s.name(name), Value: value, Path: "/", MaxAge: int(age / time.Second),
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
