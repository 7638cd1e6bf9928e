import {
  Boxes,
  Component,
  Database,
  FileCode2,
  Globe2,
  LayoutTemplate,
  type LucideIcon,
  MapPin,
  Shapes,
  UserRound,
  Users,
} from 'lucide-react'
import { sentence } from '~/lib/words'

const icons: Record<string, LucideIcon> = {
  component: Component,
  api: FileCode2,
  resource: Database,
  system: Boxes,
  domain: Globe2,
  group: Users,
  user: UserRound,
  template: LayoutTemplate,
  location: MapPin,
}

/** The kind of an entity, with its picture. */
export function KindTag({ kind }: { kind: string }) {
  const Icon = icons[kind.toLowerCase()] ?? Shapes
  return (
    <span className="tag plain kind">
      <Icon aria-hidden="true" size={13} />
      {sentence(kind)}
    </span>
  )
}
