from ccl.losses.fitnet import fitnet


def naive(student, teacher):
    errors = [
        (student[i, d] - teacher[i, d]) ** 2
        for i in range(len(student))
        for d in range(student.shape[1])
    ]
    return sum(errors) / len(errors)


def test_the_authors_values(check_authors):
    check_authors("fitnet", fitnet)


def test_a_naive_loop_in_double(check_naive):
    check_naive(fitnet, naive, seed=0)
