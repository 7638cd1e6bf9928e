// Package entity is the model of the software catalogue: it reads entities in the format of
// Backstage's catalog-info.yaml, keeps every mistake on the entity that has it, and relates the
// entities to each other in both directions. It fetches nothing by itself: files come through
// [Reader] or ready made. The server's index stores what it gives; the scaffolder registers with it.
package entity
