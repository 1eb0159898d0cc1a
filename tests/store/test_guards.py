def test_tables_are_there(database):
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM appointment").scalar() == 0
