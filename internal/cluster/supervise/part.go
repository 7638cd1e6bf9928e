// Package supervise runs a set of programs that need each other: it starts each when those
// before it are ready, starts what dies again with growing pauses, keeps bounded logs, and stops
// them in the reverse order. It knows nothing of what the programs are; the node's process 1 calls it.
package supervise

import (
	"context"
	"os/exec"
	"time"
)

// Part is one program.
type Part struct {
	Name string
	// After are the parts that must be ready before this one starts; it is stopped before them.
	After []string
	// Path is looked up in PATH where it has no slash.
	Path string
	Args []string
	// Env is added to the supervisor's own environment.
	Env []string
	// Ready answers nil once the program does its work; it is asked again and again with a
	// context of a few seconds. Where nil, a started program is ready.
	Ready func(context.Context) error
	// Grace is how long after SIGTERM the program gets SIGKILL.
	Grace time.Duration
	// Stopped is called when the supervisor has stopped this part for good, before it goes on to
	// those it came after.
	Stopped func(context.Context)
}

// Phase says where a part stands.
type Phase string

// Phases of a part.
const (
	Waiting  Phase = "waiting"  // for the parts before it
	Starting Phase = "starting" // it runs and is not ready yet
	Ready    Phase = "ready"
	Unready  Phase = "unready" // it was ready, and now does not answer
	Failed   Phase = "failed"  // it died; it is started again after a pause
	Stopped  Phase = "stopped"
)

// Status is what is known about a part.
type Status struct {
	Name  string `json:"name"`
	Phase Phase  `json:"phase"`
	// Message says what it waits for, or why it is not ready.
	Message  string `json:"message,omitempty"`
	PID      int    `json:"pid,omitempty"`
	Restarts int    `json:"restarts"`
	// Failures counts how often it died since it was last ready.
	Failures int       `json:"failures,omitempty"`
	LastExit string    `json:"lastExit,omitempty"`
	Since    time.Time `json:"since"`
}

// Spawner starts a command and gives back how to wait for its end; the process that reaps all
// orphans of a PID namespace has one of its own.
type Spawner func(*exec.Cmd) (wait func() error, err error)

// Exec is the Spawner of an ordinary process.
func Exec(c *exec.Cmd) (func() error, error) {
	if err := c.Start(); err != nil {
		return nil, err
	}
	return c.Wait, nil
}
