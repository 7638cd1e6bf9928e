// Package workload lets programs in the cluster call the server with the tokens that Kubernetes
// gives them: bound service-account tokens for the server's own audience, judged by the API server
// (TokenReview). Answers are remembered for moments. It gives no roles; those are bound to the
// account by configuration (access.Mapping).
package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/server/seal"
)

// Review is the API server's answer about a token.
type Review struct {
	Authenticated bool
	// Username is "system:serviceaccount:namespace:name" for service accounts.
	Username string
	// Audiences are those of the asked ones for which the token is valid.
	Audiences []string
}

// Reviewer asks the API server.
type Reviewer interface {
	Review(ctx context.Context, token string, audiences []string) (Review, error)
}

// Account is a service account.
type Account struct{ Namespace, Name string }

// Username is the account's name in Kubernetes.
func (a Account) Username() string { return userPrefix + a.Namespace + ":" + a.Name }

const userPrefix = "system:serviceaccount:"

// ErrRefused says that the API server does not vouch for a token.
var ErrRefused = errors.New("the cluster does not vouch for this token")

// remember is how long an answer counts; a token that was deleted is refused after that. Kubernetes'
// own API servers remember theirs for as long (--authentication-token-webhook-cache-ttl is 2m).
const remember = 10 * time.Second

// maxAnswers bounds the memory for answers.
const maxAnswers = 10_000

// Verifier checks tokens for one audience. It is safe for concurrent use.
type Verifier struct {
	reviewer Reviewer
	audience string
	now      func() time.Time

	mu      sync.Mutex
	answers map[string]answer
}

type answer struct {
	account Account
	until   time.Time
}

// New makes a verifier of tokens that were made for audience.
func New(reviewer Reviewer, audience string, now func() time.Time) *Verifier {
	return &Verifier{reviewer: reviewer, audience: audience, now: now, answers: map[string]answer{}}
}

// Verify gives the account whose token this is. It fails with ErrRefused; any other error means that
// the API server could not be asked.
func (v *Verifier) Verify(ctx context.Context, token string) (Account, error) {
	key := seal.Fingerprint(token)
	if account, ok := v.remembered(key); ok {
		return account, nil
	}
	review, err := v.reviewer.Review(ctx, token, []string{v.audience})
	if err != nil {
		return Account{}, fmt.Errorf("ask the cluster about a token: %w", err)
	}
	// A token that is good for the cluster but was not made for us must not pass.
	if !review.Authenticated || !slices.Contains(review.Audiences, v.audience) {
		return Account{}, ErrRefused
	}
	name, isAccount := strings.CutPrefix(review.Username, userPrefix)
	namespace, name, ok := strings.Cut(name, ":")
	if !isAccount || !ok {
		return Account{}, ErrRefused
	}
	account := Account{namespace, name}
	v.keep(key, account)
	return account, nil
}

func (v *Verifier) remembered(key string) (Account, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a, ok := v.answers[key]
	return a.account, ok && v.now().Before(a.until)
}

func (v *Verifier) keep(key string, account Account) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.answers) >= maxAnswers {
		clear(v.answers)
	}
	v.answers[key] = answer{account, v.now().Add(remember)}
}
