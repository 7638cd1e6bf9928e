import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { IconButton } from './Button'

interface Props {
  title: string
  isOpen: boolean
  onClose: () => void
  children: ReactNode
  /** Has to be answered: a click beside it does not close it. */
  firm?: boolean
  role?: 'dialog' | 'alertdialog'
}

/** A dialog over the page, which holds the focus until it is closed. */
export function Dialog({ title, isOpen, onClose, children, firm, role }: Props) {
  return (
    <ModalOverlay className="overlay" isOpen={isOpen} isDismissable={!firm} onOpenChange={(open) => !open && onClose()}>
      <Modal className="modal">
        <AriaDialog className="dialog" role={role}>
          <div className="dialog-header">
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <IconButton label="Close" onPress={onClose}>
              <X aria-hidden="true" size={18} />
            </IconButton>
          </div>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}
