"""wandb.Table: rows with columns, which become a CSV file in the trial's folder."""

import csv

from wandb._media import Media


class Table(Media):
    def __init__(self, columns=None, data=None, rows=None, dataframe=None, **_options):
        super().__init__()
        if dataframe is not None:
            self.columns = [str(name) for name in dataframe.columns]
            self.data = [list(row) for row in dataframe.itertuples(index=False)]
            return
        given = rows if data is None else data
        if hasattr(given, "columns") and hasattr(given, "itertuples"):
            self.__init__(dataframe=given)
            return
        self.data = [list(row) for row in (given if given is not None else [])]
        width = len(self.data[0]) if self.data else 3
        usual = ["Input", "Output", "Expected"] if width == 3 else range(width)
        self.columns = [str(name) for name in (usual if columns is None else columns)]

    def add_data(self, *values):
        if len(values) != len(self.columns):
            raise ValueError(f"This table expects {len(self.columns)} columns: {self.columns}")
        self.data.append(list(values))

    def add_row(self, *values):
        self.add_data(*values)

    def add_column(self, name, data, optional=False):
        values = list(data)
        if self.data and len(values) != len(self.data):
            raise ValueError(f"Expected length {len(self.data)}, not {len(values)}")
        if not self.data:
            self.data = [[] for _ in values]
            self.columns = []
        for row, value in zip(self.data, values):
            row.append(value)
        self.columns.append(str(name))

    def add_computed_columns(self, function):
        names = []
        for place, row in enumerate(self.data):
            new = function(place, dict(zip(self.columns, row)))
            row.extend(new.values())
            names = list(new)
        self.columns += names

    def iterrows(self):
        return enumerate(self.data)

    def get_column(self, name, convert_to=None):
        place = self.columns.index(name)
        values = [row[place] for row in self.data]
        if convert_to == "numpy":
            import numpy

            return numpy.array(values)
        return values

    def get_dataframe(self):
        import pandas

        return pandas.DataFrame(self.data, columns=self.columns)

    def write_csv(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows(self.data)


class PartitionedTable(Media):
    pass


class JoinedTable(Media):
    pass
