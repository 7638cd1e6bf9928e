// Package ci turns pushes into releases: it sees to it that the newest commit of every branch that counts is built
// once, by an [Engine], shows how that goes on the commit, and hands the image over when it is there. What it knows
// stands in the engine's runs and in the commits' statuses, so that it may be killed anywhere and goes on. It builds
// nothing itself and knows no engine by name; adapters are folders beside it that bear the tool's name.
package ci
