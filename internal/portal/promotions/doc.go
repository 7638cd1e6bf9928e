// Package promotions moves releases to governed environments. It opens a pull request for each promotion that is asked
// for, and brings every open one to its end: it looks at the world (the Git server, the log of decisions, the evidence
// about the image, health), asks package promotion what is next, does that one thing, and looks again. It stands behind
// the API's routes of promotions, exceptions to gates, the audit log and policies.
//
// What it keeps is in Git and in the log alone, so that it may be killed between any two calls and goes on from what it
// finds. Records of who asked for what, of waivers and of broken glass, and the inputs of gates stand in a repository of
// their own, slipway/promotions, to which nobody but Slipway's account may push; checkpoints of the log are published to
// slipway/checkpoints.
//
// It never applies anything to a cluster, and builds nothing. The portal constructs it, and gives it the world through
// the interfaces of [Options].
package promotions
