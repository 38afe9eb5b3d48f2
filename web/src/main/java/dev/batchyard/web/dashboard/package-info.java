/** The pages themselves, and how they stay live. */
@NullMarked
package dev.batchyard.web.dashboard;

import org.jspecify.annotations.NullMarked;
