/** Something that was asked of a dialog or a transaction can't be done; the text says why. */
export class DialogError extends Error {
  override name = 'DialogError';
}
