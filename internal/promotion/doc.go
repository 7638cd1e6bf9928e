// Package promotion says what happens next to a promotion: a pull request that moves a release
// to an environment. [Next] looks at what is seen in the world and gives one action; whoever
// carries it out looks again and asks again. Nothing is kept between two questions, so that the
// server can be killed between any two actions, or in the middle of one, and goes on from what
// it finds. [Replay] shows what another policy would have decided, and [Detect] finds what runs
// without a decision. Gates themselves are in the package gate.
//
// The order is fixed: the decision is in the log and integrated before anything is merged, and
// without the log nothing is merged. A decision that was not carried out is withdrawn, in the
// log, as soon as its ground is gone: by a push, a lost approval, a gate that no longer passes.
//
// The package is pure: no clock, no network, no cluster. The server calls it.
package promotion
