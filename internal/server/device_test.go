package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/device"
	"github.com/slipway-dev/slipway/internal/server/oidctest"
)

const grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code="

// begin asks for codes as a command line does.
func (f *fixture) begin(scope string) api.DeviceCodes {
	f.t.Helper()
	var codes api.DeviceCodes
	form := url.Values{"client_id": {"slipway@test"}, "scope": {scope}}
	f.anonymous().want(http.StatusOK, "POST", "/api/v1/device/code", form.Encode()).json(f.t, &codes)
	return codes
}

// redeem asks for the token, after waiting as long as it must.
func (f *fixture) redeem(codes api.DeviceCodes) (api.DeviceToken, string) {
	f.t.Helper()
	f.clock.forward(time.Duration(codes.Interval) * time.Second)
	a := f.anonymous().do("POST", "/api/v1/device/token", grant+url.QueryEscape(codes.DeviceCode))
	var token api.DeviceToken
	var refused struct {
		Code string `json:"error"`
	}
	if a.status == http.StatusOK {
		a.json(f.t, &token)
	} else {
		a.json(f.t, &refused)
	}
	return token, refused.Code
}

func decision(codes api.DeviceCodes) string {
	return "/api/v1/device/requests/" + codes.UserCode + "/decision"
}

// commandLine signs a user's command line in and gives its token.
func (f *fixture) commandLine(t testing.TB, u oidctest.User) string {
	t.Helper()
	codes := f.begin("")
	f.as(u).want(http.StatusNoContent, "POST", decision(codes), api.DeviceDecision{Approve: true})
	token, refused := f.redeem(codes)
	if refused != "" {
		t.Fatal(refused)
	}
	return token.AccessToken
}

func TestDevice_CommandLineActsForThePersonWhoConfirmed(t *testing.T) {
	f := start(t)
	codes := f.begin("viewer developer:payments")
	if codes.VerificationURI != f.url+"/device" || codes.VerificationURIComplete != f.url+"/device?code="+codes.UserCode ||
		codes.ExpiresIn != 600 || codes.Interval != 5 {
		t.Errorf("%+v", codes)
	}
	if _, refused := f.redeem(codes); refused != "authorization_pending" {
		t.Errorf("before anybody confirmed: %q", refused)
	}
	b := f.signIn(user("ada", "payments:developers", "search:viewers"))
	var request api.DeviceRequest
	b.want(http.StatusOK, "GET", "/api/v1/device/requests/"+strings.ToLower(codes.UserCode), nil).json(t, &request)
	if request.Client != "slipway@test" || request.From != "127.0.0.1" || strings.Join(request.Scopes,
		" ") != "developer:payments viewer" {
		t.Errorf("the person is asked about %+v", request)
	}
	b.want(http.StatusNoContent, "POST", decision(codes), api.DeviceDecision{Approve: true})
	token, refused := f.redeem(codes)
	if refused != "" || token.TokenType != "Bearer" || token.ExpiresIn != int(12*time.Hour/time.Second) {
		t.Fatalf("%+v, %q", token, refused)
	}
	var me api.Me
	f.with(token.AccessToken).want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &me)
	if me.Username != "ada" || me.Kind != "command line" || strings.Join(me.Grants,
		" ") != "developer:payments viewer:payments viewer:search" {
		t.Errorf("%+v", me)
	}
	if _, refused := f.redeem(codes); refused != "invalid_grant" {
		t.Errorf("a second time: %q", refused)
	}
	f.anonymous().want(http.StatusOK, "POST", "/api/v1/device/revoke", "token="+token.AccessToken)
	f.with(token.AccessToken).want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
}

func TestDevice_RefusesInOAuthsWords(t *testing.T) {
	f := start(t)
	tests := []struct {
		name, path string
		body       any
		status     int
		want       string
	}{
		{"no client", "code", "scope=viewer", 401, "invalid_client"},
		{"a client that would fool a person", "code", "client_id=%3Cb%3Ebank", 401, "invalid_client"},
		{"unknown scope", "code", "client_id=x&scope=owner", 400, "invalid_scope"},
		{"not a form", "code", map[string]any{"client_id": "x"}, 400, "invalid_request"},
		{"not a form at all", "token", "%zz", 400, "invalid_request"},
		{"another grant", "token", "grant_type=password", 400, "unsupported_grant_type"},
		{"unknown code", "token", grant + "x", 400, "invalid_grant"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got struct {
				Code string `json:"error"`
			}
			a := f.anonymous().want(tt.status, "POST", "/api/v1/device/"+tt.path, tt.body)
			a.json(t, &got)
			if got.Code != tt.want || a.header.Get("Content-Type") != "application/json" ||
				a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%q, %v", got.Code, a.header)
			}
		})
	}
}

func TestDevice_DeniedExpiredShutOut(t *testing.T) {
	f := start(t)
	ada := f.as(user("ada", "payments:developers"))
	denied := f.begin("")
	ada.want(http.StatusNoContent, "POST", decision(denied), api.DeviceDecision{})
	if _, refused := f.redeem(denied); refused != "access_denied" {
		t.Errorf("denied: %q", refused)
	}
	ada.want(http.StatusNotFound, "POST", decision(denied), api.DeviceDecision{Approve: true})

	shut := f.begin("")
	var me api.Me
	ada.want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &me)
	ada.want(http.StatusNoContent, "POST", decision(shut), api.DeviceDecision{Approve: true})
	f.as(user("root", "admins")).want(http.StatusOK, "PUT", "/api/v1/people/"+me.ID+"/access", api.Access{Reason: "left"})
	if _, refused := f.redeem(shut); refused != "access_denied" {
		t.Errorf("shut out: %q", refused)
	}

	roleless := f.begin("")
	f.as(user("nora")).want(http.StatusNoContent, "POST", decision(roleless), api.DeviceDecision{Approve: true})
	if _, refused := f.redeem(roleless); refused != "access_denied" {
		t.Errorf("without a role: %q", refused)
	}

	late := f.begin("")
	f.clock.forward(device.Lifetime)
	f.as(user("bob", "payments:developers")).want(http.StatusNotFound, "POST", decision(late),
		api.DeviceDecision{Approve: true})
	if _, refused := f.redeem(late); refused != "expired_token" {
		t.Errorf("too late: %q", refused)
	}
}

func TestDevice_AskingTooOftenSlowsDown(t *testing.T) {
	f := start(t)
	codes := f.begin("")
	for i, want := range []string{"authorization_pending", "slow_down"} {
		a := f.anonymous().want(http.StatusBadRequest, "POST", "/api/v1/device/token", grant+codes.DeviceCode)
		if !strings.Contains(string(a.body), want) {
			t.Errorf("question %d: %s", i, a.body)
		}
	}
}

// TestDevice_WorksWithTheUsualClient runs the flow with golang.org/x/oauth2, as the command line does.
func TestDevice_WorksWithTheUsualClient(t *testing.T) {
	f := start(t)
	client := oauth2.Config{ClientID: "usual", Endpoint: oauth2.Endpoint{AuthStyle: oauth2.AuthStyleInParams,
		DeviceAuthURL: f.url + "/api/v1/device/code", TokenURL: f.url + "/api/v1/device/token"}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	auth, err := client.DeviceAuth(ctx)
	if err != nil {
		t.Fatal(err)
	}
	auth.Interval = 1 // whole seconds are the least that the client can wait
	f.as(user("ada", "payments:developers")).want(http.StatusNoContent, "POST",
		"/api/v1/device/requests/"+auth.UserCode+"/decision", api.DeviceDecision{Approve: true})
	token, err := client.DeviceAccessToken(ctx, auth)
	if err != nil {
		t.Fatal(err)
	}
	f.with(token.AccessToken).want(http.StatusOK, "GET", "/api/v1/me", nil)
}
