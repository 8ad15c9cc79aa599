#include "natlog/store/sqlite.h"

#include <sqlite3.h>

namespace yonroku::natlog {

struct Connection {
  sqlite3* database = nullptr;
  bool is_damaged = false;
};

namespace {

constexpr int kBusyTimeout = 2000;  // milliseconds

std::unexpected<Error> failure(Connection& connection) {
  sqlite3* const database = connection.database;
  const char* const path = sqlite3_db_filename(database, "main");
  const int code = sqlite3_errcode(database);
  connection.is_damaged = connection.is_damaged || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return fail(path != nullptr ? path : "", sqlite3_errmsg(database),
              code == SQLITE_FULL ? "make room, or set a smaller keep-size" : "");
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(Connection* connection) const {
  sqlite3_close_v2(connection->database);
  delete connection;
}

void Statement::bind_at(int index, int64_t value) { sqlite3_bind_int64(statement_.get(), index, value); }

void Statement::bind_at(int index, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind_at(int index, const Blob& blob) {
  sqlite3_bind_blob64(statement_.get(), index, blob.octets.data(), blob.octets.size(), SQLITE_TRANSIENT);
}

void Statement::bind_at(int index, std::nullopt_t) { sqlite3_bind_null(statement_.get(), index); }

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: break;
  }
  auto error = failure(*connection_);
  reset();
  return error;
}

Result<void> Statement::run() {
  TRY(step());
  reset();
  return {};
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::text(int column) const {
  const auto* const octets = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return octets == nullptr ? std::string_view() : std::string_view(octets, static_cast<std::size_t>(size));
}

int64_t Statement::changed() const { return sqlite3_changes64(connection_->database); }

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Database> Database::open(const std::string& path, Access access) {
  const int flags =
      SQLITE_OPEN_NOMUTEX |
      (access == Access::Read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* opened = nullptr;
  const int outcome = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  Database database;
  database.connection_.reset(new Connection{opened});
  if (opened == nullptr) return fail(path, "out of memory");
  if (outcome != SQLITE_OK) return fail(path, sqlite3_errmsg(opened));
  sqlite3_busy_timeout(opened, kBusyTimeout);
  return database;
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(connection_->database, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return failure(*connection_);
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v3(connection_->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) !=
      SQLITE_OK)
    return failure(*connection_);
  Statement statement;
  statement.statement_.reset(made);
  statement.connection_ = connection_.get();
  return statement;
}

Result<void> Database::check() {
  Statement all = TRY(prepare("PRAGMA quick_check(1)"));
  if (TRY(all.step()) && all.text(0) == "ok") return {};
  declare_damaged();
  const char* const path = sqlite3_db_filename(connection_->database, "main");
  const std::string_view words = all.text(0);  // the last line says what
  return fail(path != nullptr ? path : "", std::string(words.substr(words.rfind('\n') + 1)));
}

bool Database::is_damaged() const { return connection_->is_damaged; }
void Database::declare_damaged() { connection_->is_damaged = true; }

Result<Transaction> Transaction::begin(Database& database) {
  TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

// Some errors have undone it already; then there is nothing to undo.
Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace yonroku::natlog
