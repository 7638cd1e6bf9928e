// Package index keeps in one SQLite file what lists, searches and graphs are answered from:
// entities, applications, environments, releases, promotions, CI runs and decisions. It is nobody's
// only copy: it is made from Git and the audit log, through [Source], and can be deleted at any
// time. Each source has a position up to which it has been read, which is written together with
// what was read: whoever was killed, or missed a webhook, catches up from there. The server's API
// reads it, and whoever hears of a change calls [Index.CatchUp].
package index
