/** The mark: a hull on a slipway. */
export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path className="hull" d="M6 21.5 22.5 9l3.5 4.5L9.5 26z" />
      <path className="ground" d="M6 26h20" />
    </svg>
  )
}
