// Package audit is what can be proven about decisions afterwards. Each decision is an entry of an append-only log, a
// Merkle tree whose signed checkpoints commit to everything before them. A [Bundle] is a copy of such a log that can be
// taken away; [Verify] checks one with nothing but the trusted keys, and names each entry that was altered, left out,
// moved or replayed. The package touches no network, no file system of its own and no clock; the log itself is kept by
// an adapter in a folder below.
//
// The formats, and where they are described:
//
//   - entries: DSSE envelopes of decisions, as in package evidence;
//   - tree: RFC 6962, section 2.1 (SHA-256);
//   - checkpoints: https://c2sp.org/tlog-checkpoint, signed as https://c2sp.org/signed-note;
//   - tiles of entries and hashes: https://c2sp.org/tlog-tiles.
package audit
