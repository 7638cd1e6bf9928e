package tokenreview

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	authv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/slipway-dev/slipway/internal/server/workload"
)

func TestReview_AsksForTheAudienceAndGivesTheAnswer(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "tokenreviews", func(a k8stesting.Action) (bool, runtime.Object, error) {
		review := a.(k8stesting.CreateAction).GetObject().(*authv1.TokenReview)
		if diff := cmp.Diff(authv1.TokenReviewSpec{Token: "t", Audiences: []string{"slipway"}}, review.Spec); diff != "" {
			t.Error(diff)
		}
		review.Status = authv1.TokenReviewStatus{Authenticated: true, Audiences: []string{"slipway"},
			User: authv1.UserInfo{Username: "system:serviceaccount:ci:robot"}}
		return true, review, nil
	})
	got, err := New(client.AuthenticationV1().TokenReviews()).Review(t.Context(), "t", []string{"slipway"})
	want := workload.Review{Authenticated: true, Username: "system:serviceaccount:ci:robot",
		Audiences: []string{"slipway"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestReview_PassesOnThatTheServerCouldNotBeAsked(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "tokenreviews", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("no route to host")
	})
	if _, err := New(client.AuthenticationV1().TokenReviews()).Review(t.Context(), "t", nil); err == nil {
		t.Error("no error")
	}
}
