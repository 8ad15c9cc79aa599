// A database of SQLite, and what is asked of it: values in and out, errors as Results.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3_stmt;

namespace yonroku::natlog {

struct Connection;

struct Blob {
  std::string_view octets;
};

// One question, prepared. Parameters and columns count from 0. Belongs to one thread at a time, and ends
// before its database does.
class Statement {
 public:
  Statement() = default;

  template <class... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_at(++index, values), ...);
    return *this;
  }
  // True when there is a row to look at.
  [[nodiscard]] Result<bool> step();
  // Of a statement without rows, or of which only the first counts; ready for the next time after it.
  [[nodiscard]] Result<void> run();
  void reset();
  // How many rows it has changed: directly after run().
  [[nodiscard]] int64_t changed() const;

  [[nodiscard]] int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;  // until the next step; also of blobs
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  void bind_at(int index, int64_t value);
  void bind_at(int index, std::string_view text);
  void bind_at(int index, const Blob& blob);
  void bind_at(int index, std::nullopt_t);
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  Connection* connection_ = nullptr;
};

class Database {
 public:
  enum class Access : uint8_t { Read, Write };
  // Made where it is missing, for Access::Write. A file that something else holds is waited for a little.
  [[nodiscard]] static Result<Database> open(const std::string& path, Access access);

  // Several statements, without values.
  [[nodiscard]] Result<void> execute(const char* sql);
  [[nodiscard]] Result<Statement> prepare(const char* sql);
  // Reads all of it.
  [[nodiscard]] Result<void> check();
  // Whether any error said that the file is no database any more, or somebody did.
  [[nodiscard]] bool is_damaged() const;
  void declare_damaged();

 private:
  struct Close {
    void operator()(Connection* connection) const;
  };
  std::unique_ptr<Connection, Close> connection_;
};

// All or nothing, also where the program ends in between.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();  // undoes what was not committed
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace yonroku::natlog
