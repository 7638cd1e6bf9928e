package platform

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/progress"
)

// takeChangedImages makes the node take, for the pods that start from now on, the images that
// stand in the store now: those of a recipe that has changed bear the same tags as before.
func (u *upRun) takeChangedImages(ctx context.Context, t *progress.Task) error {
	if !u.embedded() {
		return nil
	}
	dropped, err := u.node(progress.Discard).DropOutdatedImages(ctx)
	if len(dropped) > 0 {
		t.Update(fmt.Sprintf("%d images have changed: %s", len(dropped), strings.Join(dropped, ", ")))
	}
	return err
}
