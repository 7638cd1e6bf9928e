import { Minus, Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import type { EntitySummary, Graph } from '~/api/_schema.gen'
import { IconButton } from '~/components/Button'
import { paths } from '~/lib/paths'
import { count } from '~/lib/words'
import { relationName } from '~/pages/catalog/relationWords'
import { box, type DrawnEdge, type DrawnNode, draw } from './layout'
import './graph.css'

/** The first one fits the graph into its box, though never so small that it cannot be read. */
const zooms = [undefined, 0.75, 1, 1.25, 1.5]

const smallest = 0.8

/** A graph of relations. Its nodes are links; the same relations stand below it as a list. */
export function GraphView({ graph }: { graph: Graph }) {
  const drawn = useMemo(() => draw(graph), [graph])
  const [zoom, setZoom] = useState(0)
  const scale = zooms[zoom]
  const entities = new Map(graph.nodes.map((n) => [n.ref, n]))
  return (
    <figure className="graph">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1) */}
      <div className="graph-box" role="region" aria-label="Graph of relations" tabIndex={0}>
        <svg
          style={
            scale
              ? { width: drawn.width * scale, height: drawn.height * scale }
              : { width: '100%', minWidth: drawn.width * smallest, maxWidth: drawn.width, height: 'auto' }
          }
          viewBox={`0 0 ${drawn.width} ${drawn.height}`}
          role="group"
          aria-label={`${count(graph.nodes.length, 'entity', 'entities')} and how they relate`}
        >
          <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0 8 4 0 8z" className="arrow" />
            </marker>
          </defs>
          {drawn.edges.map((e) => (
            <Edge key={`${e.from} ${e.to}`} edge={e} />
          ))}
          {drawn.nodes.map((n) => (
            <Node key={n.ref} node={n} entity={entities.get(n.ref)} root={n.ref === graph.root} />
          ))}
        </svg>
      </div>
      <figcaption className="row between">
        <span className="muted small">
          {graph.truncated
            ? 'There is more around it than is drawn here.'
            : count(graph.nodes.length, 'entity', 'entities')}
        </span>
        <span className="row">
          <IconButton label={zoom === 1 ? 'Fit' : 'Smaller'} isDisabled={zoom === 0} onPress={() => setZoom(zoom - 1)}>
            <Minus aria-hidden="true" size={16} />
          </IconButton>
          <IconButton label="Larger" isDisabled={zoom === zooms.length - 1} onPress={() => setZoom(zoom + 1)}>
            <Plus aria-hidden="true" size={16} />
          </IconButton>
        </span>
      </figcaption>
    </figure>
  )
}

function Edge({ edge: e }: { edge: DrawnEdge }) {
  const middle = e.points[Math.floor(e.points.length / 2)]
  return (
    <g aria-hidden="true">
      <path className="edge" d={line(e.points)} markerEnd="url(#arrow)" />
      {middle && (
        <text className="edge-label" x={middle.x} y={middle.y - 5}>
          {e.types.map(relationName).join(', ')}
        </text>
      )}
    </g>
  )
}

/** A curve through points, by the midpoints of what is between them. */
function line(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points
  if (!first) return ''
  let path = `M${first.x} ${first.y}`
  for (let i = 0; i < rest.length - 1; i++) {
    const [a, b] = [rest[i], rest[i + 1]]
    if (a && b) path += `Q${a.x} ${a.y} ${(a.x + b.x) / 2} ${(a.y + b.y) / 2}`
  }
  const last = rest.at(-1)
  return last ? `${path}L${last.x} ${last.y}` : path
}

function Node({ node, entity, root }: { node: DrawnNode; entity?: EntitySummary; root: boolean }) {
  const name = entity?.title || entity?.name || node.ref
  return (
    <Link to={paths.entity(node.ref)} className={`node ${entity?.kind.toLowerCase() ?? ''} ${root ? 'root' : ''}`}>
      <rect x={node.x - box.width / 2} y={node.y - box.height / 2} width={box.width} height={box.height} rx="8" />
      <text x={node.x} y={node.y - 5} className="node-kind">
        {entity?.kind}
      </text>
      <text x={node.x} y={node.y + 13}>
        {name.length > 21 ? `${name.slice(0, 20)}…` : name}
      </text>
      <title>{node.ref}</title>
    </Link>
  )
}
