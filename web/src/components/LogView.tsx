import { useEffect, useRef, useState } from 'react'
import type { LogLine } from '~/api/_schema.gen'
import { type LogQuery, useLog } from '~/lib/log'
import { CopyButton } from './Copy'
import { Checkbox } from './Field'
import { ProblemNotice } from './Problem'
import './log.css'

interface Props {
  team: string
  application: string
  query: LogQuery
  /** More lines may come. */
  live: boolean
}

/** A log, whose new lines come as they are written. */
export function LogView({ team, application, query, live }: Props) {
  const { lines, state, error, dropped } = useLog(team, application, query, live)
  const [follow, setFollow] = useState(true)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (follow && lines.length > 0 && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [follow, lines])
  return (
    <div className="stack tight">
      <div className="row between">
        <p className="muted small" role="status">
          {words(state, lines.length)}
          {dropped && ' Earlier lines were left out here.'}
        </p>
        <div className="row">
          <Checkbox isSelected={follow} onChange={setFollow}>
            Stay at the end
          </Checkbox>
          <CopyButton text={lines.map(plain).join('\n')} what="the log" />
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1) */}
      <div className="log" ref={box} role="region" aria-label="Lines of the log" tabIndex={0}>
        {lines.map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no names, and only their end grows
          <Line key={i} line={line} before={lines[i - 1]} />
        ))}
      </div>
      {error !== undefined && <ProblemNotice doing="The log ended early" error={error} />}
    </div>
  )
}

function words(state: 'opening' | 'open' | 'done' | 'failed', lines: number): string {
  if (state === 'opening') return 'Opening the log…'
  if (state === 'open')
    return lines === 0 ? 'Nothing was written yet. New lines appear by themselves.' : 'New lines appear by themselves.'
  if (state === 'failed') return ''
  return lines === 0 ? 'The log is empty.' : 'This is the whole log.'
}

/** Escape sequences with which programs colour their output on terminals (ECMA-48, 5.4). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with a control character
const colours = /\u001b\[[0-9;?]*[ -/]*[@-~]/g

function plain(line: LogLine): string {
  return line.text.replace(colours, '')
}

function Line({ line, before }: { line: LogLine; before?: LogLine }) {
  return (
    <>
      {line.source !== before?.source && <div className="log-source">{line.source}</div>}
      <div className="log-line">
        {line.at && <time dateTime={line.at}>{line.at.slice(11, 19)}</time>}
        <span>{plain(line)}</span>
      </div>
    </>
  )
}
