// Package file: in place of upstream's downloads of snaps, which bring the clients of three clouds, there are none. Nothing
// that this program is made of calls them.
package file
