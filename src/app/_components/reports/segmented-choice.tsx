import { cn } from '../ui/cn.ts'

/** Two or three ways to look at a thing, side by side; as wide whichever is chosen. */
export function SegmentedChoice<T extends string>(props: {
  label: string
  value: T
  options: readonly (readonly [value: T, name: string])[]
  onChange: (value: T) => void
}) {
  return (
    <fieldset className="m-0 inline-flex rounded-md border p-0.5">
      <legend className="sr-only">{props.label}</legend>
      {props.options.map(([value, name]) => (
        <button
          aria-pressed={value === props.value}
          className={cn(
            'focus-ring h-6 rounded-sm px-2 text-xs transition-colors',
            value === props.value ? 'bg-accent text-foreground' : 'text-muted-foreground hover:text-foreground',
          )}
          key={value}
          onClick={() => props.onChange(value)}
          type="button"
        >
          {name}
        </button>
      ))}
    </fieldset>
  )
}
