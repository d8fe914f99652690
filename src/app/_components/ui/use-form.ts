import { type RefObject, useEffect, useRef, useState } from 'react'

/** What is wrong with which field; `form` is what no field is to blame for. */
export type FieldErrors<Form> = Partial<Record<keyof Form | 'form', string>>

/**
 * Values of a form and what is wrong with them. The first wrong field gets the cursor, and a sentence about a field goes away as soon
 * as the field is changed.
 */
export function useForm<Form extends object>(initial: () => Form) {
  const ref: RefObject<HTMLFormElement | null> = useRef(null)
  const [form, setForm] = useState(initial)
  const [errors, setErrors] = useState<FieldErrors<Form>>({})
  const wrongFields = Object.keys(errors).join(' ')
  useEffect(() => {
    if (wrongFields) ref.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [wrongFields])
  const change = (next: Form) => {
    setForm(next)
    setErrors((now) => {
      const isUntouched = ([field]: [string, unknown]) =>
        field !== 'form' && form[field as keyof Form] === next[field as keyof Form]
      return Object.fromEntries(Object.entries(now).filter(isUntouched)) as FieldErrors<Form>
    })
  }
  return { ref, form, errors, setErrors, change }
}
