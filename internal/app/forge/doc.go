// Package forge holds the words in which Slipway speaks of a Git server with pull requests,
// whatever program that is: repositories, commits of several files, branch protection, commit
// statuses, pull requests, reviews, teams, and the events that webhooks bring. It has no
// behaviour of its own. Adapters (folders beside this one that bear the tool's name, and memforge
// for tests) give these values; who needs something of a forge declares an interface for it.
package forge
