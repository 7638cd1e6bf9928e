import {
  Activity,
  Boxes,
  Compass,
  Database,
  GitBranch,
  Globe,
  Hammer,
  KeyRound,
  LayoutDashboard,
  type LucideIcon,
  Network,
  Package,
  Rocket,
  ScrollText,
  ServerCog,
  ShieldCheck,
  Workflow,
  Wrench,
} from 'lucide-react'

const icons: Record<string, LucideIcon> = {
  cluster: Boxes,
  dns: Compass,
  storage: Database,
  gateway: Globe,
  certificates: ScrollText,
  git: GitBranch,
  registry: Package,
  identity: KeyRound,
  delivery: Rocket,
  workflow: Workflow,
  ci: Hammer,
  secrets: KeyRound,
  infrastructure: ServerCog,
  observability: Activity,
  metrics: Activity,
  discovery: Compass,
  mesh: Network,
  policy: ShieldCheck,
  portal: LayoutDashboard,
}

/** The picture of a capability. */
export function capabilityIcon(name: string): LucideIcon {
  return icons[name] ?? Wrench
}
