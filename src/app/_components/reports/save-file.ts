/** Gives a text to the browser as a file to be saved. */
export function saveFile(file: { fileName: string; contentType: string; content: string }): void {
  const url = URL.createObjectURL(new Blob([file.content], { type: file.contentType }))
  const link = document.createElement('a')
  link.href = url
  link.download = file.fileName
  link.click()
  // The browser reads the blob after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
