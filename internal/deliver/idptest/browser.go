// Package idptest holds what every [deliver.IdentityProvider] must do, as tests: each adapter's own
// tests run it against a real provider. Its [Browser] signs people in by any provider's pages, for
// these tests and for those of whole platforms. It is for tests alone.
package idptest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Browser is as much of a browser as signing in needs: it keeps cookies, follows redirects and
// fills in forms.
type Browser struct {
	// HTTP is its client, with a jar of its own.
	HTTP *http.Client
	// Name and Password are what the person types; where a page asks for a new password it becomes
	// Password.
	Name, Password string
}

// NewBrowser makes a browser for one person that reaches the world through transport.
func NewBrowser(transport http.RoundTripper, name, password string) *Browser {
	jar, _ := cookiejar.New(nil) // fails never
	return &Browser{HTTP: &http.Client{Transport: transport, Jar: jar}, Name: name, Password: password}
}

// Page is what a browser shows.
type Page struct {
	URL    *url.URL
	Status int
	Body   string
}

func (p Page) String() string { return fmt.Sprintf("%s (%d)", p.URL.Redacted(), p.Status) }

// ErrRefused says that a provider did not take name and password.
var ErrRefused = errors.New("the identity provider does not take the password")

// SignIn opens address and does what the pages ask of the person, until one asks for nothing more:
// type name and password, choose a new password, agree.
func (b *Browser) SignIn(address string) (Page, error) {
	page, err := b.Do(http.MethodGet, address, nil)
	typed, renewed := false, false
	for range 10 {
		if err != nil {
			return page, err
		}
		form := wanted(page)
		if form == nil {
			return page, nil
		}
		switch {
		case form.passwords > 1 && !renewed:
			renewed = true
			b.Password += "-changed"
			form.fill(b.Name, b.Password)
		case form.passwords == 1 && !typed:
			typed = true
			form.fill(b.Name, b.Password)
		case form.consents:
			form.values.Set("granted", "true")
		default:
			return page, fmt.Errorf("%w: %s", ErrRefused, page)
		}
		page, err = b.Do(http.MethodPost, form.action, form.values)
		// After a new password some providers have forgotten where the person was going.
		if err == nil && renewed && form.passwords > 1 && wanted(page) == nil {
			page, err = b.Do(http.MethodGet, address, nil)
		}
	}
	return page, fmt.Errorf("the pages never end: %s", page)
}

// Do sends a form, or nothing, and follows where it leads.
func (b *Browser) Do(method, address string, form url.Values) (Page, error) {
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return Page{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.Send(req)
}

// Send sends any request.
func (b *Browser) Send(req *http.Request) (Page, error) {
	res, err := b.HTTP.Do(req)
	if err != nil {
		return Page{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	page := Page{URL: res.Request.URL, Status: res.StatusCode, Body: string(text)}
	if err == nil && res.StatusCode >= http.StatusInternalServerError {
		err = fmt.Errorf("%s answers %s", res.Request.URL.Redacted(), res.Status)
	}
	return page, err
}

// form is a form of a page, with what it would send as it stands.
type form struct {
	action    string
	values    url.Values
	texts     []string // names of the fields for text
	secrets   []string // names of those for passwords
	passwords int
	consents  bool
}

// fill types a name where there is a field for it, and a password into each field for one.
func (f *form) fill(name, password string) {
	for _, field := range f.texts {
		if field == "username" || field == "user_name" {
			f.values.Set(field, name)
		}
	}
	for _, field := range f.secrets {
		f.values.Set(field, password)
	}
}

// wanted is the page's form that asks for a password or for consent; nil where there is none.
func wanted(page Page) *form {
	document, err := html.Parse(strings.NewReader(page.Body))
	if err != nil {
		return nil
	}
	for node := range document.Descendants() {
		if node.Type != html.ElementNode || node.Data != "form" || !strings.EqualFold(attribute(node, "method"), http.MethodPost) {
			continue
		}
		f := read(node)
		if f.passwords == 0 && !f.consents {
			continue
		}
		to, err := page.URL.Parse(f.action)
		if err != nil {
			continue
		}
		f.action = to.String()
		return f
	}
	return nil
}

func read(node *html.Node) *form {
	f := &form{action: attribute(node, "action"), values: url.Values{}}
	for field := range node.Descendants() {
		if field.Type != html.ElementNode {
			continue
		}
		name, kind := attribute(field, "name"), strings.ToLower(attribute(field, "type"))
		switch {
		case field.Data == "button" && name == "granted":
			f.consents = true
		case field.Data != "input" || name == "":
		case kind == "hidden":
			f.values.Set(name, attribute(field, "value"))
		case kind == "password":
			f.secrets = append(f.secrets, name)
			f.passwords++
		case kind == "text" || kind == "" || kind == "email":
			f.texts = append(f.texts, name)
			f.values.Set(name, attribute(field, "value"))
		}
	}
	return f
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
