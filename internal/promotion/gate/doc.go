// Package gate decides whether a promotion may happen: a [Policy] names the gates of an
// environment as CEL expressions, an [Input] says what is known about the promotion, and
// [Evaluate] gives each gate's result with a reason. It is pure: no clock, no network, no
// cluster; the same policy and input give the same report, a year later and offline. The
// promotion's state machine, the replay of policies and the server call it.
//
// # What is not known is never passed
//
// A value that the input lacks becomes CEL's own "unknown" (https://github.com/google/cel-spec,
// the language definition's partial evaluation), not null, not empty and not an optional.
// Unknowns follow the three-valued logic of && and ||, so that a gate is passed only where it
// would be whatever the missing value is, and the result says which values were missing. That is
// why expressions have neither has() nor optional selection: with them, absence could be made
// into a pass. Three things could lose an unknown on its way, and are refused when a policy is
// loaded: comparing whole objects, converting them, and lists of mixed types.
package gate
