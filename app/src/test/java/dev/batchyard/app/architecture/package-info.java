/** The rules of the house, each proved by an offender that it rejects. */
@NullMarked
package dev.batchyard.app.architecture;

import org.jspecify.annotations.NullMarked;
