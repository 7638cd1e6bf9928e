// Package ui shows the progress of long work: as a live tree on a terminal, as plain lines in a
// pipe, or as JSON events. It only shows; what is done and in which order is decided elsewhere.
// internal/cli chooses one display for a command and gives it to the stages as their Reporter.
package ui
