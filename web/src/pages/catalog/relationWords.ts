/** The well-known relations of Backstage's catalogue, in words. */
const relationWords: Record<string, string> = {
  ownedBy: 'owned by',
  ownerOf: 'owner of',
  partOf: 'part of',
  hasPart: 'has part',
  dependsOn: 'depends on',
  dependencyOf: 'dependency of',
  providesApi: 'provides',
  apiProvidedBy: 'provided by',
  consumesApi: 'consumes',
  apiConsumedBy: 'consumed by',
  memberOf: 'member of',
  hasMember: 'has member',
  childOf: 'child of',
  parentOf: 'parent of',
}

/** A relation's name in words; as it is where it is none of the well-known ones. */
export function relationName(type: string): string {
  return relationWords[type] ?? type
}
