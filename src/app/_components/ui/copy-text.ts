/**
 * Puts text on the clipboard and says whether it did. The clipboard API needs a secure context, so a selected field is the
 * fallback for a dashboard that is reached by plain HTTP.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const field = document.createElement('textarea')
    field.value = text
    field.setAttribute('readonly', '')
    field.className = 'fixed top-0 left-0 opacity-0'
    document.body.append(field)
    field.select()
    const copied = document.execCommand('copy')
    field.remove()
    return copied
  }
}
