package portal

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// login is the server's own on the Git server, in the files username and password of a folder. It is made anew now and
// then while the server runs; what was valid before stays so for longer than it is remembered here.
type login struct {
	dir  string
	next http.RoundTripper

	mu                 sync.Mutex
	username, password string
	read               time.Time
}

// loginAgain is how long a login is remembered.
const loginAgain = 10 * time.Second

// now is the login as it stands in the files.
func (l *login) now() (username, password string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.read) < loginAgain {
		return l.username, l.password, nil
	}
	var found [2]string
	for i, name := range []string{"username", "password"} {
		text, err := os.ReadFile(filepath.Join(l.dir, name))
		if err != nil {
			return "", "", fmt.Errorf("platform.git.credentials: %w", err)
		}
		if found[i] = strings.TrimSpace(string(text)); found[i] == "" {
			return "", "", fmt.Errorf("platform.git.credentials: %s is empty", name)
		}
	}
	l.username, l.password, l.read = found[0], found[1], time.Now()
	return l.username, l.password, nil
}

// RoundTrip gives a call that has a login the one of now.
func (l *login) RoundTrip(req *http.Request) (*http.Response, error) {
	if user, _, ok := req.BasicAuth(); ok {
		username, password, err := l.now()
		if err != nil {
			return nil, err
		}
		if user == username {
			req = req.Clone(req.Context())
			req.SetBasicAuth(username, password)
		}
	}
	return l.next.RoundTrip(req)
}
