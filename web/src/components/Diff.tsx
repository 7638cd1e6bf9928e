import './diff.css'

/** The kinds of a unified diff's lines (POSIX, diff -u). */
function kindOf(line: string): string {
  if (line.startsWith('+++') || line.startsWith('---') || line.startsWith('diff ')) return 'file'
  if (line.startsWith('@@')) return 'hunk'
  if (line.startsWith('+')) return 'added'
  if (line.startsWith('-')) return 'removed'
  return ''
}

/** A unified diff. */
export function Diff({ text }: { text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard (WCAG 2.1.1)
    <pre className="code diff" tabIndex={0}>
      {text
        .trimEnd()
        .split('\n')
        .map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no names, and the text does not change
          <span key={i} className={kindOf(line)}>
            {`${line}\n`}
          </span>
        ))}
    </pre>
  )
}
