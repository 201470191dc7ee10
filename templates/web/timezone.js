// Fills in the reader's time zone on the sign-up form. Without it the form says the usual one.
"use strict";
const field = document.querySelector("input[data-guess]");
const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (field && guess) {
  field.value = guess;
}
