import { Graph as Dagre, layout } from '@dagrejs/dagre'
import type { Graph, GraphEdge } from '~/api/_schema.gen'

/** A graph of relations with places, in pixels. */
export interface Drawn {
  width: number
  height: number
  nodes: DrawnNode[]
  edges: DrawnEdge[]
}

export interface DrawnNode {
  ref: string
  x: number
  y: number
}

export interface DrawnEdge {
  from: string
  to: string
  /** The relations between the two, as the arrow points. */
  types: string[]
  points: { x: number; y: number }[]
}

/** The size of a node. */
export const box = { width: 168, height: 48 }

/** Of two relations that are each other's reverse, the one that is drawn (Backstage's well-known relations). */
const reverse: Record<string, string> = {
  ownerOf: 'ownedBy',
  hasPart: 'partOf',
  dependencyOf: 'dependsOn',
  apiProvidedBy: 'providesApi',
  apiConsumedBy: 'consumesApi',
  hasMember: 'memberOf',
  parentOf: 'childOf',
}

/** Turns each relation the way that is drawn, and puts those between the same two nodes together. */
export function arrows(edges: GraphEdge[]): { from: string; to: string; types: string[] }[] {
  const found = new Map<string, { from: string; to: string; types: Set<string> }>()
  for (const e of edges) {
    const forward = reverse[e.type]
    const [from, to, type] = forward ? [e.to, e.from, forward] : [e.from, e.to, e.type]
    const key = `${from}\n${to}`
    const arrow = found.get(key) ?? { from, to, types: new Set<string>() }
    arrow.types.add(type)
    found.set(key, arrow)
  }
  return [...found.values()].map(({ from, to, types }) => ({ from, to, types: [...types].sort() }))
}

/** Lays a graph out in layers, from left to right. */
export function draw(graph: Graph): Drawn {
  const known = new Set(graph.nodes.map((n) => n.ref))
  const laid = new Dagre({ multigraph: false })
  laid.setGraph({ rankdir: 'LR', nodesep: 20, ranksep: 96, marginx: 8, marginy: 8 })
  laid.setDefaultEdgeLabel(() => ({}))
  for (const ref of known) laid.setNode(ref, { ...box })
  // A relation whose other end is beyond the border of the graph is not drawn.
  const edges = arrows(graph.edges).filter((a) => known.has(a.from) && known.has(a.to) && a.from !== a.to)
  for (const a of edges) laid.setEdge(a.from, a.to, { width: 84, height: 16, labelpos: 'c' })
  layout(laid)
  const size = laid.graph()
  return {
    width: size.width ?? 0,
    height: size.height ?? 0,
    nodes: [...known].map((ref) => {
      const { x, y } = laid.node(ref)
      return { ref, x: x ?? 0, y: y ?? 0 }
    }),
    edges: edges.map((a) => ({ ...a, points: laid.edge(a.from, a.to).points ?? [] })),
  }
}
