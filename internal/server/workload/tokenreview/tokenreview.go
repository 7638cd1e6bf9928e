// Package tokenreview asks a Kubernetes API server whose token it is
// (authentication.k8s.io/v1 TokenReview). It needs the ClusterRole system:auth-delegator.
package tokenreview

import (
	"context"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authclient "k8s.io/client-go/kubernetes/typed/authentication/v1"

	"github.com/slipway-dev/slipway/internal/server/workload"
)

// Reviewer is a workload.Reviewer.
type Reviewer struct {
	reviews authclient.TokenReviewInterface
}

// New asks through the API server's client.
func New(reviews authclient.TokenReviewInterface) *Reviewer { return &Reviewer{reviews} }

// Review asks about one token.
func (r *Reviewer) Review(ctx context.Context, token string, audiences []string) (workload.Review, error) {
	review, err := r.reviews.Create(ctx, &authv1.TokenReview{
		Spec: authv1.TokenReviewSpec{Token: token, Audiences: audiences},
	}, metav1.CreateOptions{})
	if err != nil {
		return workload.Review{}, err
	}
	return workload.Review{
		Authenticated: review.Status.Authenticated,
		Username:      review.Status.User.Username,
		Audiences:     review.Status.Audiences,
	}, nil
}
