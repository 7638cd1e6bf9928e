// Package stereoscopesource: in place of upstream's providers of images, which bring the clients of several container engines,
// there are none. This program is given its image.
package stereoscopesource
