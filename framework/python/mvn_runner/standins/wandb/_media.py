"""Pictures, sounds and the like: taken, counted when they are logged, and left out."""


class Media:
    _is_wandb_media = True

    def __init__(self, *args, **options):
        self.args = args
        self.caption = options.get("caption")
        self.options = options

    def __repr__(self):
        return f"<wandb.{type(self).__name__}, left out by mvn-runner>"


class Audio(Media):
    pass


class Bokeh(Media):
    pass


class Graph(Media):
    pass


class Html(Media):
    pass


class Image(Media):
    pass


class Molecule(Media):
    @classmethod
    def from_rdkit(cls, *args, **options):
        return cls(*args, **options)

    @classmethod
    def from_smiles(cls, *args, **options):
        return cls(*args, **options)


class Object3D(Media):
    @classmethod
    def from_file(cls, *args, **options):
        return cls(*args, **options)

    @classmethod
    def from_numpy(cls, *args, **options):
        return cls(*args, **options)


class Plotly(Media):
    pass


class Video(Media):
    pass


class Histogram(Media):
    def __init__(self, sequence=None, np_histogram=None, num_bins=64):
        super().__init__(sequence, np_histogram=np_histogram, num_bins=num_bins)
