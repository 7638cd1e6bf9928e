// Package timeline draws what happened in an `up`: from the events that `slipway up -o json`
// writes to a chart of tasks over time, as one SVG file. It reads and draws, and decides nothing
// about the run. internal/cli calls it.
package timeline
