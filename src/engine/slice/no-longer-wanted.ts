/** Nobody wants it any more. Not a failure: it is in no log and no counter of errors. */
export class NoLongerWanted extends Error {
  override readonly name = 'NoLongerWanted'
}
