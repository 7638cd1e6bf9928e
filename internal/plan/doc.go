// Package plan resolves a Platform against a catalogue: it chooses a tool for each capability,
// satisfies every requirement, orders the units and fills contract inputs from contract outputs,
// and it writes and reads the lock. It is a pure function: no cluster, no network, no clock.
package plan
