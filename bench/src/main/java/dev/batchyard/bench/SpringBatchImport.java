package dev.batchyard.bench;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.sql.Date;
import java.sql.Types;
import java.time.LocalDate;
import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.configuration.support.MapJobRegistry;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.job.parameters.JobParametersBuilder;
import org.springframework.batch.core.launch.support.TaskExecutorJobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.repository.support.JdbcJobRepositoryFactoryBean;
import org.springframework.batch.core.step.Step;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.item.database.JdbcBatchItemWriter;
import org.springframework.batch.infrastructure.item.database.builder.JdbcBatchItemWriterBuilder;
import org.springframework.batch.infrastructure.item.file.FlatFileItemReader;
import org.springframework.batch.infrastructure.item.file.builder.FlatFileItemReaderBuilder;
import org.springframework.batch.infrastructure.item.file.transform.FieldSet;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.task.SyncTaskExecutor;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.jdbc.support.JdbcTransactionManager;

/**
 * The peer of the import benchmark: a restartable chunk step of Spring Batch 6 with its JDBC job
 * repository, a flat-file reader with types checked, and the JDBC batch writer over a driver that
 * rewrites batched inserts, which is the best that its documentation offers for PostgreSQL.
 */
final class SpringBatchImport {

  private final DataSource dataSource;
  private final JdbcTransactionManager transactions;
  private final JobRepository repository;
  private final TaskExecutorJobOperator operator = new TaskExecutorJobOperator();
  private long runs;

  /**
   * Makes the job repository's tables.
   *
   * @param dataSource with {@code reWriteBatchedInserts=true}
   */
  SpringBatchImport(DataSource dataSource) throws Exception {
    this.dataSource = dataSource;
    this.transactions = new JdbcTransactionManager(dataSource);
    new ResourceDatabasePopulator(
            new ClassPathResource("org/springframework/batch/core/schema-postgresql.sql"))
        .execute(dataSource);
    JdbcJobRepositoryFactoryBean factory = new JdbcJobRepositoryFactoryBean();
    factory.setDataSource(dataSource);
    factory.setTransactionManager(transactions);
    factory.setDatabaseType("POSTGRES");
    factory.afterPropertiesSet();
    repository = factory.getObject();
    operator.setJobRepository(repository);
    operator.setJobRegistry(new MapJobRegistry());
    operator.setTaskExecutor(new SyncTaskExecutor());
    operator.afterPropertiesSet();
  }

  /** Imports the file into the table, a transaction per chunk. */
  void run(Path file, String table, int chunkRows) throws Exception {
    runs++;
    Step step =
        new StepBuilder("import", repository)
            .<Row, Row>chunk(chunkRows)
            .transactionManager(transactions)
            .reader(reader(file))
            .writer(writer(table))
            .build();
    Job job = new JobBuilder("import-" + runs, repository).start(step).build();
    JobExecution execution =
        operator.start(job, new JobParametersBuilder().addLong("run", runs).toJobParameters());
    if (execution.getStatus() != BatchStatus.COMPLETED) {
      throw new IllegalStateException("Spring Batch ended as " + execution);
    }
  }

  private static FlatFileItemReader<Row> reader(Path file) {
    return new FlatFileItemReaderBuilder<Row>()
        .name("rows")
        .resource(new FileSystemResource(file))
        .linesToSkip(1)
        .delimited()
        .names("id", "name", "email", "amount", "day", "status", "note")
        .fieldSetMapper(SpringBatchImport::row)
        .build();
  }

  private static Row row(FieldSet fields) {
    return new Row(
        fields.readLong(0),
        required(fields.readString(1)),
        required(fields.readString(2)),
        required(fields.readBigDecimal(3)),
        LocalDate.parse(required(fields.readString(4))),
        required(fields.readString(5)),
        required(fields.readString(6)));
  }

  private static <T> T required(@Nullable T value) {
    return Objects.requireNonNull(value);
  }

  private JdbcBatchItemWriter<Row> writer(String table) {
    JdbcBatchItemWriter<Row> writer =
        new JdbcBatchItemWriterBuilder<Row>()
            .dataSource(dataSource)
            .assertUpdates(false)
            .sql("insert into " + table + " values (?, ?, ?, ?, ?, ?, ?)")
            .itemPreparedStatementSetter((row, statement) -> {
              statement.setLong(1, row.id());
              statement.setString(2, row.name());
              statement.setString(3, row.email());
              statement.setBigDecimal(4, row.amount());
              statement.setDate(5, Date.valueOf(row.day()));
              statement.setString(6, row.status());
              if (row.note().isEmpty()) {
                statement.setNull(7, Types.VARCHAR);
              } else {
                statement.setString(7, row.note());
              }
            })
            .build();
    writer.afterPropertiesSet();
    return writer;
  }

  private record Row(
      long id,
      String name,
      String email,
      BigDecimal amount,
      LocalDate day,
      String status,
      String note) {}
}
