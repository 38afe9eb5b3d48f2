/** Reads CSV: encoding, dialect, records, and where each record begins in the file. */
@NullMarked
package dev.batchyard.tasks.data.csv;

import org.jspecify.annotations.NullMarked;
