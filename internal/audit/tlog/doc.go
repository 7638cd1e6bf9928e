// Package tlog keeps the log of decisions on disk, as a tile-based transparency log (https://c2sp.org/tlog-tiles) that
// github.com/transparency-dev/tessera writes. A decision counts as recorded when a signed checkpoint commits to it, not
// before. The log survives being killed at any moment: what was acknowledged is there when it is opened again, and
// what was not may be appended again without standing there twice.
//
// In the log's folder are:
//
//	log/            the tiles and the latest checkpoint; a web server may serve them as they are
//	seen.jsonl      every checkpoint that was seen, in the order of time, one JSON text a line
//	writer.lock     held by the one process that writes
package tlog
