import type { ReactNode } from 'react'

/** A column: its heading, and what stands in it for a row. */
export interface Column<T> {
  heading: string
  cell: (row: T) => ReactNode
  /** Wide columns take what the others leave. */
  wide?: boolean
  /** Says nothing on small screens that the other columns do not. */
  optional?: boolean
}

interface Props<T> {
  label: string
  columns: Column<T>[]
  rows: T[]
  id: (row: T) => string | number
}

/**
 * A table, whose rows become cards where the screen is narrow. The roles are written out because browsers forget them
 * where a table is laid out as something else.
 */
export function Table<T>({ label, columns, rows, id }: Props<T>) {
  return (
    <table aria-label={label} className="table" role="table">
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((c) => (
            <th key={c.heading} scope="col" role="columnheader" className={classes(c)}>
              {c.heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={id(row)} role="row">
            {columns.map((c) => (
              <td key={c.heading} role="cell" data-label={c.heading} className={classes(c)}>
                {c.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function classes<T>(c: Column<T>): string | undefined {
  return [c.wide && 'wide', c.optional && 'optional'].filter(Boolean).join(' ') || undefined
}
