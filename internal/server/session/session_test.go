package session

import (
	"net/url"
	"strings"
	"testing"
)

func FuzzOwnPath(f *testing.F) {
	for _, s := range []string{"/", "/a?b#c", "//evil", `/\evil`, "/\t/evil", "https://evil", "/%2f/evil", "/a/../../b",
		"/..//evil"} {
		f.Add(s)
	}
	here, err := url.Parse("https://slipway.example.test/auth/callback")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, back string) {
		got := ownPath(back)
		// Browsers take a backslash for a slash, and leave out tabs and line breaks.
		seen := strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(got)
		u, err := here.Parse(seen)
		if err != nil || u.Host != here.Host || u.Scheme != here.Scheme || strings.HasPrefix(seen, "//") {
			t.Errorf("%q leads to %q: %v, %v", back, got, u, err)
		}
	})
}

func TestOneLine_KeepsMessagesReadable(t *testing.T) {
	if got := oneLine("a\nb\x00" + strings.Repeat("c", 200)); got != "ab"+strings.Repeat("c", 98) {
		t.Errorf("%q", got)
	}
}
