/** The looks of everything that floats over the page: the only things with a shadow. */
export const floatingClasses =
  'z-50 rounded-md border bg-popover text-popover-foreground shadow-popover outline-none data-[state=open]:animate-in data-[state=closed]:animate-out data-[state=open]:fade-in-0 data-[state=closed]:fade-out-0 duration-100'

/** The looks of an entry in a menu or a list of choices. */
export const menuItemClasses =
  "relative flex min-h-7 cursor-default select-none items-center gap-2 rounded-sm px-2 py-1 text-sm outline-none data-[disabled]:pointer-events-none data-[highlighted]:bg-accent data-[disabled]:opacity-50 pointer-coarse:min-h-10 [&_svg:not([class*='size-'])]:size-3.5 [&_svg]:shrink-0 [&_svg]:text-dim"
