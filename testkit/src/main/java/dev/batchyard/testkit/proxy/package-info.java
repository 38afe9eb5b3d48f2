/** A network that fails as it is told to, between our connections and PostgreSQL. */
@NullMarked
package dev.batchyard.testkit.proxy;

import org.jspecify.annotations.NullMarked;
