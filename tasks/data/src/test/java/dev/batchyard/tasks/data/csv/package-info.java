@NullMarked
package dev.batchyard.tasks.data.csv;

import org.jspecify.annotations.NullMarked;
