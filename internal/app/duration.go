package app

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxTTL is a year.
const maxTTL = 366 * 24 * time.Hour

// ParseTTL reads a time to live: Go's durations ("72h", "90m"), and days ("7d").
func ParseTTL(s string) (time.Duration, error) {
	var d time.Duration
	var err error
	if days, isDays := strings.CutSuffix(s, "d"); isDays {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(min(n, 1000)) * 24 * time.Hour
	} else {
		d, err = time.ParseDuration(s)
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf(`%q is not a duration, such as "72h" or "7d"`, s)
	case d < time.Minute:
		return 0, fmt.Errorf("%q is shorter than a minute", s)
	case d > maxTTL:
		return 0, fmt.Errorf("%q is longer than 366 days", s)
	}
	return d, nil
}
